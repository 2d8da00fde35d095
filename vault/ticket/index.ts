export { localTicketMac } from "./local-mac.ts";
export {
  encodeIssued,
  encodePublication,
  encodeRevoked,
  parseIssued,
  parsePublication,
  parseRevoked,
  withRevoked,
} from "./revoked.ts";
export { lookIntoTicket, readTicket, writeTicket } from "./ticket.ts";
export type * from "./types.ts";
