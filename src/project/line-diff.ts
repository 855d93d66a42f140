const CONTEXT = 3;

interface Line {
  readonly mark: " " | "-" | "+";
  readonly text: string;
}

/** What changes from one text to the other, as `diff -u` says it; empty when nothing does. */
export function unifiedDiff(before: string, after: string, name: string): string {
  const lines = diffLines(before.split("\n"), after.split("\n"));
  const near = (at: number): boolean =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ mark }) => mark !== " ");
  const hunks: string[] = [];
  let [old, now] = [1, 1];
  let open: { head: [number, number]; lines: Line[] } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    const count = (mark: Line["mark"]) => open!.lines.filter((line) => line.mark !== mark).length;
    const body = open.lines.map(({ mark, text }) => `${mark}${text}\n`).join("");
    hunks.push(`@@ -${open.head[0]},${count("+")} +${open.head[1]},${count("-")} @@\n${body}`);
    open = undefined;
  };
  for (const [at, line] of lines.entries()) {
    if (near(at)) {
      open ??= { head: [old, now], lines: [] };
      open.lines.push(line);
    } else close();
    if (line.mark !== "+") old += 1;
    if (line.mark !== "-") now += 1;
  }
  close();
  return hunks.length === 0 ? "" : `--- a/${name}\n+++ b/${name}\n${hunks.join("")}`;
}

/** By the longest common subsequence of what is left after the common beginning and end. */
function diffLines(before: readonly string[], after: readonly string[]): Line[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1;
  const same = (texts: readonly string[]): Line[] => texts.map((text) => ({ mark: " ", text }));
  return [
    ...same(before.slice(0, head)),
    ...diffMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...same(before.slice(before.length - tail)),
  ];
}

function diffMiddle(before: readonly string[], after: readonly string[]): Line[] {
  const width = after.length + 1;
  const longest = new Int32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        before[i] === after[j]
          ? longest[(i + 1) * width + j + 1]! + 1
          : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!);
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ mark: " ", text: before[i]! });
      i += 1;
      j += 1;
    } else if (
      j === after.length ||
      (i < before.length && longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)
    ) {
      lines.push({ mark: "-", text: before[i]! });
      i += 1;
    } else {
      lines.push({ mark: "+", text: after[j]! });
      j += 1;
    }
  }
  return lines;
}
