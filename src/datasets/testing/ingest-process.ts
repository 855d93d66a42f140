import { openFileBlobs } from "../../storage/index.ts";
import { ingest } from "../ingest.ts";
import { csv } from "../spec.ts";

/** A process that ingests `data.csv` of a folder and says how far it is, to be killed at any moment. */
const [root = "", blobsDirectory = ""] = process.argv.slice(2);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const { digest } = await ingest({
  name: "killed",
  spec: { source: csv("data.csv"), columns: { a: "int", b: "float", c: "category" } },
  root,
  blobs: openFileBlobs(blobsDirectory),
  onProgress: ({ stage, rows }) => say(`${stage} ${rows ?? ""}`),
});
say(`done ${digest}`);
