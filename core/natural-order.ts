/** File names sort as people count: `scan2` before `scan10`. */
export const naturally = new Intl.Collator("en", { numeric: true });
