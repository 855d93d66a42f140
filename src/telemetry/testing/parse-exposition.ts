/** A strict reader of Prometheus' text format 0.0.4: throws for what a scraper would refuse or misunderstand. */
export function parseExposition(text: string): {
  value(name: string, labels: Readonly<Record<string, string>>): number | undefined;
} {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line does not end");
  const types = new Map<string, string>();
  const values = new Map<string, number>();
  let family = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line);
    if (help !== null) continue;
    if (type !== null) {
      family = type[1]!;
      if (types.has(family)) throw new Error(`${family} comes twice`);
      types.set(family, type[2]!);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null) throw new Error(`no sample: ${line}`);
    const [, name, labels = "", number] = sample;
    const suffix = name!.slice(family.length);
    const allowed = types.get(family) === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    if (!name!.startsWith(family) || !allowed.includes(suffix))
      throw new Error(`${name} stands under ${family}`);
    const value = Number(number);
    if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
    const key = keyOf(name!, parseLabels(labels));
    if (values.has(key)) throw new Error(`a series comes twice: ${line}`);
    values.set(key, value);
  }
  return { value: (name, labels) => values.get(keyOf(name, labels)) };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const match = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/.exec(rest);
    if (match === null) throw new Error(`no label: ${rest}`);
    const [whole, name, value, more] = match;
    if (name! in labels) throw new Error(`the label ${name} comes twice`);
    labels[name!] = value!.replace(/\\(.)/g, (_, character) => (character === "n" ? "\n" : character));
    rest = rest.slice(whole!.length);
    if (more === "," && rest === "") throw new Error("a comma ends the labels");
  }
  return labels;
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
