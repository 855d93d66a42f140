import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { readSettings } from "../config/index.ts";
import { findRunningServer, locateProject } from "./connect.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "slipway-connect-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

describe("the project", () => {
  const locate = (projectDirectory: string) =>
    locateProject(readSettings({ environment: {}, flags: { projectDirectory } }));

  it("is found from its folder, from below it, and by the path of its configuration", () => {
    writeFileSync(join(folder, "slipway.config.ts"), "");
    mkdirSync(join(folder, "data", "raw"), { recursive: true });
    for (const given of [folder, join(folder, "data", "raw"), join(folder, "slipway.config.ts")]) {
      expect(locate(given)).toMatchObject({ projectRoot: folder, stateDirectory: join(folder, ".slipway") });
    }
  });

  it("that is not there is an error with what to do", () => {
    expect(() => locate(folder)).toThrow(`no slipway.config.ts in ${folder}`);
  });
});

describe("the running server", () => {
  const write = (text: string) => writeFileSync(join(folder, "control.json"), text);
  const token = "0123456789abcdef";

  async function listen(status: number): Promise<string> {
    const server = createServer((_request, response) => response.writeHead(status).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("is the one that the file names and that answers", async () => {
    const address = await listen(200);
    write(JSON.stringify({ address, token, pid: 1 }));
    expect(await findRunningServer(folder)).toMatchObject({ address, token });
  });

  it("is none where there is no file, nobody listens, or somebody else does", async () => {
    expect(await findRunningServer(folder)).toBeUndefined();
    write(JSON.stringify({ address: "http://127.0.0.1:9", token }));
    expect(await findRunningServer(folder)).toBeUndefined();
    write(JSON.stringify({ address: await listen(404), token }));
    expect(await findRunningServer(folder)).toBeUndefined();
  });

  it.each(["", "nonsense", "{}", '{"address":1,"token":"x"}'])(
    "is not guessed from a file of %j",
    async (text) => {
      write(text);
      await expect(findRunningServer(folder)).rejects.toMatchObject({ code: "CLI_BAD_CONTROL_FILE" });
    },
  );
});
