export { ASKED, type Bill, type BillLine, billOf, type CostPlan } from "./bill.ts";
export { LIST_PRICES, type Prices, parsePrices, type StorageClass } from "./prices.ts";
