import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/** Runs the SQL statements of a file, divided by `;` at a line's end, as Flink jobs in this process: Rules.java FILE. */
class Rules {
    public static void main(String[] args) throws Exception {
        TableEnvironment table = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        table.getConfig().set("table.local-time-zone", "UTC");
        table.getConfig().set("parallelism.default", "1");
        table.getConfig().set("taskmanager.memory.managed.size", "64m");
        // Files are closed at a checkpoint; the one at the end is enough.
        table.getConfig().set("execution.checkpointing.interval", "1 h");
        for (String statement : Files.readString(Path.of(args[0])).split(";\n")) {
            if (statement.startsWith("INSERT")) {
                table.executeSql(statement).await();
            } else {
                table.executeSql(statement);
            }
        }
    }
}
