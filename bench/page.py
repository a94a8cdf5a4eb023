"""Writes one section of docs/evaluation.md and leaves the others as they are."""

import os

HEAD = """# Evaluation · 评测

Each section is written by the command named in it. Figures on made-up worlds show that the path works and
what it confuses, not how it does in the field; figures on public data say which data. What was not reached
stands beside its target.
每节由其中所列命令写出。模拟世界上的数字说明流程可行及易混之处，不代表现网效果；公开数据上的数字注明数据来源。未达标之处与目标并列。
"""


def write_section(title, lines):
    """Puts the lines below `## title`, in the place of what stood there."""
    path = os.path.join(os.environ["SUYUAN_ROOT"], "docs", "evaluation.md")
    text = HEAD
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            text = f.read()
    parts = text.rstrip("\n").split("\n## ")
    section = title + "\n\n" + "\n".join(lines).strip("\n")
    at = next((i for i, p in enumerate(parts) if i > 0 and p.split("\n", 1)[0] == title), None)
    if at is None:
        parts.append(section + "\n")
    else:
        parts[at] = section + "\n"
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n\n## ".join(p.strip("\n") for p in parts) + "\n")


def publish(title, lines, write):
    """Writes a section, or prints it."""
    if write:
        write_section(title, lines)
    else:
        print("\n".join(lines))


def wilson(k, n, z=1.96):
    """The interval of a share, 95 %."""
    if n == 0:
        return None
    p, d = k / n, 1 + z * z / n
    middle = (p + z * z / (2 * n)) / d
    half = z * ((p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5) / d
    return max(0.0, middle - half), min(1.0, middle + half)


def share(k, n, digits=1):
    """`k of n` as per cent with its interval."""
    if n == 0:
        return "–"
    lo, hi = wilson(k, n)
    return f"{100 * k / n:.{digits}f} % ({100 * lo:.{digits}f}–{100 * hi:.{digits}f}), {k}/{n}"
