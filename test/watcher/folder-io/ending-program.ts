/** A folder process that ends as soon as it is started, as one of another version does. */
process.exit(3);
