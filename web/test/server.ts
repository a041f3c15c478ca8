import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** The admin token of every server of the tests, of role owner. */
export const ownerToken = '0123456789abcdef0123';

/** A name by which the admin listener knows itself; the browser of the tests finds it on this machine. */
export const host = 'tollgate.example.com';

const configuration = (port: number) => `
tollgate: {adminHosts: [${host}]}
llm:
  port: ${port}
  policies:
    apiKey: {mode: strict, keys: []}
  models:
  - {name: simulated, provider: simulated}
  - {name: slow, provider: {simulated: {latency: 200ms, tokenLatency: 50ms}}}
`;

/** A past that is made up: see test/seed. */
export interface Seed {
  keys: number;
  requests: number;
  days: number;
}

/** What a seeded directory says of itself. */
export interface Seeded {
  admin_tokens: { id: string; name: string; role: string; secret: string }[];
  keys: { id: string; name: string; secret: string }[];
}

export interface ServerOptions {
  /** Whether credentials can be stored. */
  masterKey: boolean;
  /** A past for the data; without one they are new. */
  seed?: Seed;
  /** Data that are there already, instead of new ones, and stay there. */
  data?: string;
  /** The configuration file, instead of the usual one. */
  configuration?: (port: number) => string;
  /** Instead of ports that are free. */
  ports?: { admin: number; gateway: number };
}

/** A tollgate of its own: fresh data, free ports, the simulated provider. */
export class Server {
  private constructor(
    readonly admin: string,
    readonly gateway: string,
    /** Where the console is: the server itself, or with CONSOLE_SOURCE=1 the development server before it. */
    readonly console: string,
    readonly directory: string,
    readonly configFile: string,
    /** What the seeder left, if there was one. */
    readonly seeded: Seeded,
    private readonly processes: ChildProcess[],
  ) {}

  static async start({ masterKey, seed: past, data: given, configuration: written = configuration, ports }: ServerOptions): Promise<Server> {
    const directory = await mkdtemp(join(tmpdir(), 'tollgate-console-'));
    const [freeAdmin, freeGateway, consolePort] = await Promise.all([freePort(), freePort(), freePort()]);
    const { admin: adminPort, gateway: gatewayPort } = ports ?? { admin: freeAdmin, gateway: freeGateway };
    const configFile = join(directory, 'config.yaml');
    await writeFile(configFile, written(gatewayPort));
    const data = given ?? join(directory, 'data');
    if (past) {
      await seed(data, past);
    }
    const seeded: Seeded = past || given ? JSON.parse(await readFile(join(data, 'seed.json'), 'utf8')) : { admin_tokens: [], keys: [] };
    const admin = `http://localhost:${adminPort}`;
    const program = spawn(binary(), ['serve', '-f', configFile, '--data-dir', data], {
      env: {
        ...process.env, TOLLGATE_ADMIN_TOKEN: ownerToken, ADMIN_ADDR: `localhost:${adminPort}`, STATS_ADDR: 'off', READINESS_ADDR: 'off',
        TOLLGATE_MASTER_KEY: masterKey ? '42'.repeat(32) : '',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const processes: ChildProcess[] = [program];
    let console = admin;
    if (process.env.CONSOLE_SOURCE) {
      console = `http://localhost:${consolePort}`;
      processes.push(spawn('node', ['node_modules/vite/bin/vite.js', '--port', String(consolePort), '--strictPort'], {
        cwd: resolve(import.meta.dirname, '..'), env: { ...process.env, ADMIN_URL: admin }, stdio: 'ignore',
      }));
    }
    const server = new Server(admin, `http://localhost:${gatewayPort}`, console, directory, configFile, seeded, processes);
    let said = '';
    program.stdout.on('data', (text: Buffer) => (said += text.toString()));
    program.stderr.on('data', (text: Buffer) => (said += text.toString()));
    try {
      await answers(`${admin}/api/v1/openapi.json`, program);
      await answers(`${console}/ui/`, program);
    } catch (why) {
      await server.stop();
      throw new Error(`tollgate did not start: ${String(why)}\n${said}`);
    }
    return server;
  }

  async stop() {
    await Promise.all(this.processes.map(ended));
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Fills a data directory with a past. The same past is always the same, but that it ends now. */
export async function seed(directory: string, { keys, requests, days }: Seed) {
  const seeder = process.env.SEED_BIN;
  if (!seeder) {
    throw new Error('SEED_BIN is not set: the global set-up builds the seeder and sets it');
  }
  await promisify(execFile)(seeder, ['-data', directory, '-keys', String(keys), '-requests', String(requests), '-days', String(days)]);
}

function binary(): string {
  const path = process.env.TOLLGATE_BIN;
  if (!path) {
    throw new Error('TOLLGATE_BIN is not set: the global set-up builds the binary and sets it');
  }
  return path;
}

/** A port that nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const listener = createServer();
    listener.once('error', failed);
    listener.listen(0, 'localhost', () => {
      const address = listener.address();
      listener.close(() => (address && typeof address === 'object' ? found(address.port) : failed(new Error('no port'))));
    });
  });
}

/** Waits until an address answers, as long as the program runs. */
async function answers(address: string, program: ChildProcess): Promise<void> {
  const end = Date.now() + 120_000; // a large ledger is verified first
  for (;;) {
    try {
      if ((await fetch(address)).ok) {
        return;
      }
    } catch {
      // not yet
    }
    if (program.exitCode !== null || Date.now() > end) {
      throw new Error(`${address} does not answer`);
    }
    await new Promise((wait) => setTimeout(wait, 50));
  }
}

export function ended(process: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (process.exitCode !== null || process.signalCode !== null) {
      done();
      return;
    }
    process.once('exit', () => done());
    process.kill('SIGTERM');
  });
}
