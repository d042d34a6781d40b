/** What `work` answers; undefined where that takes longer than `limitMs`. It goes on then, and what it throws is dropped. */
export function within<Answer>(limitMs: number, work: Promise<Answer>): Promise<Answer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
