import { spawn } from "node:child_process";
import { closeSync, openSync, read, readdirSync, readSync, type Stats, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../../core/errors.ts";

/**
 * Shows the folder `backing` at the mount point `point` (arguments), to be read, through the kernel's FUSE: a disk that hangs when this
 * process is stopped, and is lost when it is killed. Messages as in linux/fuse.h, version 7.31.
 */
const [backing = "", point = ""] = process.argv.slice(2);

const op = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  open: 14,
  read: 15,
  statfs: 17,
  release: 18,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  access: 34,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
} as const;
const unanswered: readonly number[] = [op.forget, op.interrupt, op.destroy, op.batchForget];
const errors = { ENOENT: 2, EIO: 5, EROFS: 30, ENOSYS: 38 } as const;
/** Calls that would change the disk, from setattr to link and create. */
const changing: readonly number[] = [4, 6, 8, 9, 10, 11, 12, 13, 16, 21, 24, 35, 43, 45];
const headBytes = 40;
const directory = 0o040000;

const paths: string[] = ["", backing];
const nodes = new Map<string, number>([[backing, 1]]);
function nodeOf(path: string): number {
  const known = nodes.get(path);
  if (known !== undefined) return known;
  paths.push(path);
  nodes.set(path, paths.length - 1);
  return paths.length - 1;
}

function attributes(facts: Stats): Buffer {
  const out = Buffer.alloc(88);
  const times = [facts.atimeMs, facts.mtimeMs, facts.ctimeMs];
  const whole = [facts.ino, facts.size, facts.blocks, ...times.map((ms) => Math.floor(ms / 1000))];
  for (const [index, value] of whole.entries()) out.writeBigUInt64LE(BigInt(value), 8 * index);
  const nanoseconds = times.map((ms) => Math.floor((ms % 1000) * 1e6));
  const rest = [...nanoseconds, facts.mode, facts.nlink, facts.uid, facts.gid, 0, 4096];
  for (const [index, value] of rest.entries()) out.writeUInt32LE(value, 48 + 4 * index);
  return out;
}

function entry(path: string): Buffer {
  const facts = attributes(statSync(path));
  // Nothing is kept by the kernel: each look comes here.
  const head = Buffer.alloc(40);
  head.writeBigUInt64LE(BigInt(nodeOf(path)), 0);
  return Buffer.concat([head, facts]);
}

function initAnswer(): Buffer {
  const out = Buffer.alloc(64);
  out.writeUInt32LE(7, 0);
  out.writeUInt32LE(31, 4);
  out.writeUInt32LE(65536, 8);
  out.writeUInt32LE(4096, 20);
  return out;
}

function listing(path: string, offset: number, size: number): Buffer {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (const [index, { name, isFolder }] of entriesOf(path).entries()) {
    if (index < offset) continue;
    const text = Buffer.from(name);
    const part = Buffer.alloc(24 + Math.ceil(text.length / 8) * 8);
    part.writeBigUInt64LE(BigInt(index + 2), 0);
    part.writeBigUInt64LE(BigInt(index + 1), 8);
    part.writeUInt32LE(text.length, 16);
    part.writeUInt32LE(isFolder ? 4 : 8, 20);
    text.copy(part, 24);
    bytes += part.length;
    if (bytes > size) break;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function entriesOf(path: string): { name: string; isFolder: boolean }[] {
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.map((one) => ({ name: one.name, isFolder: one.isDirectory() }));
}

function part(path: string, offset: number, size: number): Buffer {
  const out = Buffer.alloc(size);
  const file = openSync(path, "r");
  try {
    return out.subarray(0, readSync(file, out, 0, size, offset));
  } finally {
    closeSync(file);
  }
}

function answer(opcode: number, path: string, body: Buffer): Buffer {
  switch (opcode) {
    case op.init:
      return initAnswer();
    case op.lookup:
      return entry(join(path, body.toString("utf8", 0, body.indexOf(0))));
    case op.getattr:
      return Buffer.concat([Buffer.alloc(16), attributes(statSync(path))]);
    case op.open:
    case op.opendir:
      return Buffer.alloc(16);
    case op.read:
      return part(path, Number(body.readBigUInt64LE(8)), body.readUInt32LE(16));
    case op.readdir:
      return listing(path, Number(body.readBigUInt64LE(8)), body.readUInt32LE(16));
    case op.statfs: {
      const out = Buffer.alloc(80);
      out.writeUInt32LE(4096, 40);
      out.writeUInt32LE(255, 44);
      out.writeUInt32LE(4096, 48);
      return out;
    }
    case op.release:
    case op.releasedir:
    case op.flush:
    case op.access:
      return Buffer.alloc(0);
    default:
      throw Object.assign(new Error(), { code: changing.includes(opcode) ? "EROFS" : "ENOSYS" });
  }
}

function reply(unique: bigint, error: number, body: Buffer): void {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeInt32LE(-error, 4);
  head.writeBigUInt64LE(unique, 8);
  writeSync(device, Buffer.concat([head, body]));
}

const device = openSync("/dev/fuse", "r+");
const request = Buffer.alloc(256 * 1024);
function serve(): void {
  read(device, request, 0, request.length, null, (problem, bytes) => {
    // It was unmounted.
    if (problem !== null) process.exit(0);
    const opcode = request.readUInt32LE(4);
    const unique = request.readBigUInt64LE(8);
    const path = paths[Number(request.readBigUInt64LE(16))] ?? "";
    if (!unanswered.includes(opcode)) {
      let out = Buffer.alloc(0);
      let error = 0;
      try {
        out = Buffer.from(answer(opcode, path, request.subarray(headBytes, bytes)));
      } catch (cause) {
        error = errors[(systemCode(cause) ?? "EIO") as keyof typeof errors] ?? errors.EIO;
      }
      try {
        reply(unique, error, out);
      } catch {
        // Whoever asked has ended.
      }
    }
    serve();
  });
}

const options = `ro,fd=3,rootmode=${directory.toString(8)},user_id=0,group_id=0`;
const mount = spawn("mount", ["-i", "-t", "fuse", "-o", options, "made-disk", point], {
  stdio: ["ignore", "inherit", "inherit", device],
});
// Before it is mounted, the device answers nobody.
mount.once("exit", (code) => {
  if (code !== 0) process.exit(1);
  serve();
  process.stdout.write("mounted\n");
});
