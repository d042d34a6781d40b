/** The version in package.json: printed by --version, written into results and packages. */
export { productVersion } from "../runtime/product-version.ts";
