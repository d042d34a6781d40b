/**
 * The environment in which our programs start as they do for users: each loads its TypeScript through tsx. All others that
 * the tests start run what `compile.js` made, also where a test starts them by their own names.
 */
export function asShipped(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: preload, ...others } = process.env;
  return others;
}
