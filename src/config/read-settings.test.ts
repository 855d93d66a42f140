import { describe, expect, it } from "vitest";
import { SlipwayError } from "../kernel/index.ts";
import { readSettings, type SettingSources, settingTable } from "./index.ts";

const machine = { cores: 8, user: "ada", workingDirectory: "/project" };

const read = (sources: SettingSources = {}) => readSettings({ machine, environment: {}, ...sources });

const refusal = (sources: SettingSources): SlipwayError => {
  try {
    read(sources);
  } catch (error) {
    if (error instanceof SlipwayError) return error;
    throw error;
  }
  throw new Error("the settings were accepted");
};

describe("settings", () => {
  it("have defaults that fit the machine", () => {
    expect(read()).toMatchObject({
      port: 8080,
      consolePort: 4700,
      host: "127.0.0.1",
      consoleHost: "127.0.0.1",
      workers: 1,
      trainingThreads: 2,
      databaseUrl: undefined,
      projectDirectory: "/project",
      actor: "ada",
      logDurability: "os",
      allowedHosts: [],
      noColor: false,
    });
    expect(read({ machine: { ...machine, cores: 1 } }).trainingThreads).toBe(1);
  });

  it("take a flag before the environment and the environment before the default", () => {
    expect(read({ environment: { SLIPWAY_PORT: "9000" } }).port).toBe(9000);
    expect(read({ environment: { SLIPWAY_PORT: "9000" }, flags: { port: "9001" } }).port).toBe(9001);
    expect(read({ environment: { SLIPWAY_PORT: "" } }).port).toBe(8080);
    expect(read({ flags: { debug: true } }).debug).toBe(true);
  });

  it("read sizes with binary and decimal units", () => {
    const size = (text: string) => read({ flags: { maxBodyBytes: text } }).maxBodyBytes;
    expect(size("10MB")).toBe(10_000_000);
    expect(size("8 MiB")).toBe(8_388_608);
    expect(size("4096")).toBe(4096);
  });

  it("read lists separated by commas", () => {
    expect(read({ flags: { allowedHosts: "a.example, b.example" } }).allowedHosts).toEqual([
      "a.example",
      "b.example",
    ]);
  });

  it("refuse a bad value naming the setting, its origin and what is accepted", () => {
    const fromFlag = refusal({ flags: { port: "65536" } });
    expect(fromFlag.code).toBe("CONFIG_BAD_VALUE");
    expect(fromFlag.message).toBe(
      '--port: "65536" is not accepted: a whole number from 0 to 65535 is wanted',
    );
    expect(fromFlag.details).toMatchObject({ key: "port", value: "65536" });

    const fromEnvironment = refusal({ environment: { SLIPWAY_LOG_DURABILITY: "disk" } });
    expect(fromEnvironment.message).toBe(
      'environment variable SLIPWAY_LOG_DURABILITY: "disk" is not accepted: "os" or "fsync" is wanted',
    );
  });

  it("never print a secret, not even a wrong one", () => {
    const error = refusal({ environment: { SLIPWAY_DATABASE_URL: "mysql://root:hunter2@db/x" } });
    expect(JSON.stringify(error) + error.message).not.toContain("hunter2");
  });

  it.each([
    ["port", "-1"],
    ["port", "80.5"],
    ["port", "0x50"],
    ["workers", "0"],
    ["maxBodyBytes", "lots"],
    ["maxBodyBytes", "2GiB"],
    ["host", "example.org:80"],
    ["serverUrl", "ftp://example.org"],
    ["token", "short"],
    ["allowedHosts", "a,,b"],
  ] as const)("refuse %s %j", (key, value) => {
    expect(refusal({ flags: { [key]: value } }).details.key).toBe(key);
  });

  it("each have their own variable and flag", () => {
    const all = Object.values<{ env: string; flag?: string }>(settingTable);
    expect(new Set(all.map(({ env }) => env)).size).toBe(all.length);
    const flags = all.flatMap(({ flag }) => flag?.split(" ")[0] ?? []);
    expect(new Set(flags).size).toBe(flags.length);
  });
});
