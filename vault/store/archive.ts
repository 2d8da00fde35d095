/** How soon what lies in an archive is to be there, as S3 names it; not every class has all of them. */
export type ArchiveSpeed = "bulk" | "standard" | "expedited";

/** An object that cannot be read before it is brought back. */
export interface ArchivedObject {
  /** S3's word for the class, such as DEEP_ARCHIVE. */
  readonly class: string;
  /** Bytes. */
  readonly size: number;
  /** It was asked for already, and is on its way. */
  readonly coming: boolean;
}

/** A store's archive classes. What was asked for there the store itself remembers, so a wait outlives whoever waits. */
export interface Archive {
  /**
   * Of a folder's objects from one name to another, both included, those whose class a listing tells to be an archive's, the
   * ones brought back from there included: a thousand objects a call. Null where this user may not list.
   */
  among(folder: string, first: string, last: string): Promise<ReadonlySet<string> | null>;
  /** Null where the object can be read now, or is not there. */
  look(name: string): Promise<ArchivedObject | null>;
  /** Asks for a copy that can be read for so many days. To ask twice changes nothing. */
  bringBack(name: string, how: { readonly days: number; readonly speed: ArchiveSpeed }): Promise<void>;
}

/** What of a snapshot cannot be read yet; all zero where all can. */
export interface ArchiveSum {
  readonly objects: number;
  readonly bytes: number;
  /** Of these objects, those that are on their way. */
  readonly coming: number;
  readonly classes: readonly string[];
  /** How soon what is asked for comes, where the other side decides that; absent where it brings nothing back. */
  readonly speed?: ArchiveSpeed;
}
