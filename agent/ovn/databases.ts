import type { Database } from "./types.ts";

/** Northbound, what is wanted; southbound, what comes of it. */
export const DATABASES: readonly Database[] = [
  { key: "nb", schema: "OVN_Northbound", file: "ovnnb_db.db", stem: "ovnnb_db" },
  { key: "sb", schema: "OVN_Southbound", file: "ovnsb_db.db", stem: "ovnsb_db" },
];
