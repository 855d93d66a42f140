import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ErrorTable } from "../../src/kernel/index.ts";

const src = fileURLToPath(new URL("../../src/", import.meta.url));
const rooms = readdirSync(src).filter((room) => existsSync(join(src, room, "errors.ts")));
const tables = await Promise.all(
  rooms.map(async (room) => ({
    room,
    module: (await import(join(src, room, "errors.ts"))) as Record<string, ErrorTable>,
  })),
);
const codes = tables.flatMap(({ room, module }) =>
  Object.values(module).flatMap((table) => Object.keys(table).map((code) => ({ room, code }))),
);

describe("error codes", () => {
  it("begin with their room's name and are unique", () => {
    expect(codes.filter(({ room, code }) => !code.startsWith(`${room.toUpperCase()}_`))).toEqual([]);
    expect(new Set(codes.map(({ code }) => code)).size).toBe(codes.length);
  });

  it("are all raised somewhere", () => {
    const sources = readdirSync(src, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.endsWith("errors.ts"))
      .map((name) => readFileSync(join(src, name), "utf8"))
      .join("\n");
    expect(codes.filter(({ code }) => !sources.includes(code)).map(({ code }) => code)).toEqual([]);
  });
});
