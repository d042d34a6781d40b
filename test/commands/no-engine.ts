/** For commands that are looked at, not run. */
export const noEngine = (): Promise<never> => Promise.reject(new Error("this test starts no engine"));
