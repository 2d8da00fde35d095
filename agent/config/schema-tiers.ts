import { tierFields } from "../../vault/retain/index.ts";
import { object } from "./schema-parts.ts";

export const tiers = object(tierFields, "what is kept; a snapshot that any of these keeps is kept");
