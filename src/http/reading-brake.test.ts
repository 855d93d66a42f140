import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { ReadingBrake } from "./reading-brake.ts";

interface Client {
  send(): void;
  answers(): number;
  answered(count: number): Promise<void>;
}

async function openRoom() {
  const brake = new ReadingBrake();
  let requests = 0;
  const server = createServer((_request, response) => {
    requests++;
    response.end("done");
  });
  server.on("connection", (socket: Socket) => brake.watch(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const open = async (): Promise<Client> => {
    const socket = connect({ port, host: "127.0.0.1" });
    let text = "";
    let heard = Promise.withResolvers<void>();
    socket.on("data", (chunk) => {
      text += chunk;
      heard.resolve();
      heard = Promise.withResolvers();
    });
    const answers = () => text.match(/done/g)?.length ?? 0;
    const client: Client = {
      send: () => socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
      answers,
      answered: async (count) => {
        while (answers() < count) await heard.promise;
      },
    };
    // Its connection is known once it has been answered.
    client.send();
    await client.answered(1);
    return client;
  };
  return { brake, open, requests: () => requests };
}

describe("a brake", () => {
  it("reads from nobody who is connected, but from new ones, and goes on where it stopped", async () => {
    const { brake, open, requests } = await openRoom();
    const stopped = [await open(), await open()];
    brake.engage();
    expect(brake.stopped).toBe(2);
    for (const client of stopped) client.send();
    const fresh = await open();
    fresh.send();
    await fresh.answered(2);
    expect(stopped.map((client) => client.answers())).toEqual([1, 1]);
    expect(requests()).toBe(4);
    expect(brake.release()).toBe(false);
    for (const client of stopped) await client.answered(2);
    expect(brake.stopped).toBe(0);
  });

  it("reads again from those who have waited longest, a share at a time", async () => {
    const { brake, open } = await openRoom();
    const clients = await Promise.all(Array.from({ length: 200 }, open));
    brake.engage();
    expect(brake.release()).toBe(true);
    expect(brake.stopped).toBe(200 - 128);
    brake.engage();
    expect(brake.stopped).toBe(200);
    for (const client of clients) client.send();
    while (brake.release());
    for (const client of clients) await client.answered(2);
  });

  it("forgets connections that are closed", async () => {
    const { brake, open } = await openRoom();
    await open();
    brake.engage();
    expect(brake.release()).toBe(false);
    expect(brake.release()).toBe(false);
  });
});
