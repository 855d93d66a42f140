import { argument, defineCommand, option } from "./command.ts";
import { formatDigest } from "./format-values.ts";

const reason = option("--reason <text>", "Why, for the journal.");

export const tagCommand = defineCommand({
  name: "tag",
  summary: "Give a snapshot a name.",
  details:
    "A tag stands wherever a snapshot is named (flights@gold) and keeps its snapshot from garbage collection. Given again, it moves.",
  parameters: {
    dataset: argument("<dataset>", "The dataset."),
    snapshot: argument("<snapshot>", "A digest, the beginning of one, another tag, or latest."),
    name: argument("<name>", "The tag: letters, digits, _ . and -; not hexadecimal digits alone."),
    reason,
  },
  examples: [
    "slipway data tag flights latest gold",
    'slipway data tag flights 3f9a12 q3 --reason "for the audit"',
  ],
  reach: "server",
  run: async ({ dataset, snapshot, name, reason: why }, session) => {
    const tagged = await session.call("data.tag", { dataset, snapshot, tag: name, reason: why });
    const moved =
      tagged.previous === null || tagged.previous === tagged.snapshot
        ? ""
        : `, before ${formatDigest(tagged.previous)}`;
    return {
      data: tagged,
      text: ({ paint }) =>
        `${paint("bold", `${dataset}@${name}`)} is ${formatDigest(tagged.snapshot)}${moved}\n`,
    };
  },
});

export const untagCommand = defineCommand({
  name: "untag",
  summary: "Take a tag away; the snapshot stays.",
  parameters: {
    dataset: argument("<dataset>", "The dataset."),
    name: argument("<name>", "The tag."),
    reason,
  },
  examples: ["slipway data untag flights gold"],
  reach: "server",
  run: async ({ dataset, name, reason: why }, session) => {
    const untagged = await session.call("data.untag", { dataset, tag: name, reason: why });
    return {
      data: untagged,
      text: () => `${dataset}@${name} no longer names ${formatDigest(untagged.snapshot)}\n`,
    };
  },
});
