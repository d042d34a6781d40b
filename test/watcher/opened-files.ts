import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

/** How often files were opened: to read their images, and to hash them. */
export interface Openings {
  images: number;
  hashes: number;
}

/**
 * What `act` opens in this process below `folder`. Images are opened with the flags of `openByteSource`, as numbers;
 * what is only hashed is opened with "r".
 */
export async function openingsOf(folder: string, act: () => Promise<unknown>): Promise<Openings> {
  const openings = { images: 0, hashes: 0 };
  const real = files.open;
  const counting: typeof real = (path, flags, mode) => {
    if (String(path).startsWith(`${folder}/`)) openings[flags === "r" ? "hashes" : "images"] += 1;
    return real(path, flags, mode);
  };
  Reflect.set(files, "open", counting);
  syncBuiltinESMExports();
  try {
    await act();
  } finally {
    Reflect.set(files, "open", real);
    syncBuiltinESMExports();
  }
  return openings;
}
