import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TinyDisk {
  readonly path: string;
  /** Makes room; the files stay. */
  grow(kilobytes: number): void;
  unmount(): void;
}

/**
 * A real file system of so many kilobytes, for tests of full disks. It takes Linux and root; elsewhere the answer is
 * `undefined` and a line says what is skipped.
 */
export function mountTinyDisk(kilobytes: number): TinyDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), "slipway-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", path], { stdio: "pipe" });
  } catch (thrown) {
    rmdirSync(path);
    const reason = thrown instanceof Error ? thrown.message.trim().split("\n").at(-1) : String(thrown);
    process.stderr.write(`SKIPPED: tests of a full disk: no tmpfs can be mounted here (${reason})\n`);
    return undefined;
  }
  return {
    path,
    grow: (size) => {
      execFileSync("mount", ["-o", `remount,size=${size}k`, path]);
    },
    unmount: () => {
      execFileSync("umount", [path]);
      rmdirSync(path);
    },
  };
}
