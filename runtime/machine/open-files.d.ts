export declare const fewestOpenFiles: number;
export declare const moreOpenFiles: string;
export declare function openFileLimit(): number | undefined;
