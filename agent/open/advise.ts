import { ColdkeepError, isColdkeepError } from "../../vault/names/index.ts";

/**
 * Runs one step of opening a snapshot; damage that is found in it without saying where or what to do gets both here,
 * since only here it is known what the object is for.
 * @throws what `act` throws, otherwise unchanged.
 */
export async function advised<T>(object: string, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw advise(error, object);
  }
}

/** The same for an error at hand. */
export function advise(error: unknown, object: string): unknown {
  if (!isColdkeepError(error, "integrity") || (error.on !== undefined && error.todo !== undefined)) return error;
  const { kind, what, on = object, why, todo = ADVICE } = error;
  return new ColdkeepError(kind, { what, on, todo, ...(why === undefined ? {} : { why }), cause: error });
}

const ADVICE = "bring the object back from another copy of the vault, or use another snapshot";
