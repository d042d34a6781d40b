// Denoises every noisy image of a folder of pairs with the shipped model and lets scikit-image judge (pairs.py).
// usage: node --import tsx bench/pairs.ts [PAIRS_DIR] [CARD]
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const pairs = resolve(process.argv[2] ?? join(root, "../shared/data/pairs"));
const card = process.argv[3] ?? join(root, "../shared/models/starter/README.md");
const python = process.env["CNNT_EDGE_PYTHON"] ?? "python3";

const results = mkdtempSync(join(tmpdir(), "pairs-"));
try {
  const descriptions = readdirSync(pairs, { recursive: true, encoding: "utf8" });
  for (const description of descriptions.filter((name) => name.endsWith(".json"))) {
    const folder = join(pairs, dirname(description));
    const facts = JSON.parse(readFileSync(join(pairs, description), "utf8")) as {
      noisy?: string;
      clean?: string;
    };
    if (facts.noisy === undefined || !facts.clean) continue;
    const denoise = spawnSync(
      join(root, "bin/cnnt-edge.js"),
      [
        "denoise",
        join(folder, facts.noisy),
        "--dtype",
        "float32",
        "--out",
        join(results, relative(pairs, folder)),
      ],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    if (denoise.status !== 0) process.exit(1);
  }
  const judge = spawnSync(
    python,
    [join(root, "bench/pairs.py"), pairs, results, ...(existsSync(card) ? ["--card", card] : [])],
    { stdio: "inherit" },
  );
  process.exitCode = judge.status ?? 1;
} finally {
  rmSync(results, { recursive: true });
}
