import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../../kernel/index.ts";
import type { CommandOptions, SealedCommandSpec } from "../command-spec.ts";
import { command } from "../spec.ts";

/** A model of one tree as LightGBM writes it: the first input above 0.5 or not. */
export const oneTree = (names: readonly string[], low = -0.9): string => `tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=${names.length - 1}
objective=binary sigmoid:1
feature_names=${names.join(" ")}

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=${low} 0.8

end of trees
`;

export interface Scratch {
  readonly path: string;
  remove(): void;
}

export function scratch(name: string): Scratch {
  const path = mkdtempSync(join(tmpdir(), `slipway-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A program for the shell, sealed; and the code that its digest stands for. */
export function sealedScript(
  script: string,
  options: Partial<CommandOptions> = {},
): { readonly spec: SealedCommandSpec; readonly readCode: () => Promise<Uint8Array> } {
  const bytes = Buffer.from(script);
  return {
    spec: {
      ...command({ run: ["sh", "train.sh"], format: "lightgbm", ...options }),
      files: [{ path: "train.sh", digest: digestOf(bytes), executable: false }],
    },
    readCode: () => Promise.resolve(bytes),
  };
}

/** A script that starts a process which outlives it, and both say their ids. Neither heeds SIGTERM if `stubborn`. */
export function familyScript(stubborn: boolean): string {
  const wait = `${stubborn ? "trap '' TERM;" : ""} echo pid $$; while :; do sleep 0.1; done`;
  return `sh -c '${wait.replaceAll("'", `'\\''`)}' & ${wait}`;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
