/** What the server says and takes: one function per route, errors in its own words. */

import type { Edits } from "./edits";

export interface ResultSummary {
  index: number;
  name: string;
  /** Voxels along z, y, x. */
  shape: [number, number, number];
  /** Length of a voxel along z, y, x; null where it is unknown. */
  voxel_size_nm: [number, number, number] | null;
  leaves: number;
  levels: number[];
  has_image: boolean;
  /** Of the image; 0 where it is gone. */
  channels: number;
}

/** One entry per node, leaves first, the root last. */
export interface TreeColumns {
  curvature: number;
  n_leaves: number;
  parents: number[];
  altitudes: number[];
  sizes: number[];
  volume_nm3: number[] | null;
  spreads: number[];
  contrasts: number[];
  radii: number[];
  depths: number[];
  stabilities: number[];
  disk: [number, number][];
  colours: string[];
  /** Whether codes have two coordinates, so that the disk shows them as they are. */
  is_disk: boolean;
  suggested_levels: number[];
  levels: number[];
  merge_order: number[];
}

export interface ServedVolume {
  bytes: Blob;
  /** Voxels of the volume per voxel of what was served, along every axis. */
  step: number;
}

export type ExportKind = "labels" | "mask" | "mesh" | "points";

export interface ExportRequest {
  what: ExportKind;
  nodes: number[];
  /** A suffix; left out, that of the source, .stl or .csv. */
  format?: string;
  edits?: Edits & { revision: number };
}

export interface ExportedFile {
  bytes: Blob;
  name: string;
  /** Connected components, where points were asked for. */
  count: number | null;
}

/** The server refused, and said why. */
export class ServerError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = "ServerError";
  }
}

export async function listResults(): Promise<ResultSummary[]> {
  return (await answer("/api/results")).json() as Promise<ResultSummary[]>;
}

export async function readTree(result: number): Promise<TreeColumns> {
  return (await answer(`/api/results/${result}/tree`)).json() as Promise<TreeColumns>;
}

export async function readVolume(
  result: number,
  what: "image" | "leaves",
  channel = 0,
): Promise<ServedVolume> {
  const query = what === "image" ? `?channel=${channel}` : "";
  const response = await answer(`/api/results/${result}/${what}.nii.gz${query}`);
  return {
    bytes: await response.blob(),
    step: Number(response.headers.get("X-Gyrovox-Step") ?? "1"),
  };
}

export async function readEdits(result: number): Promise<Edits & { revision: number }> {
  return (await answer(`/api/results/${result}/edits`)).json() as Promise<
    Edits & { revision: number }
  >;
}

/** Keep edits that were made from `revision`; the answer is the revision that they became. */
export async function writeEdits(
  result: number,
  edits: Edits & { revision: number },
  keepalive = false,
): Promise<number> {
  const response = await answer(`/api/results/${result}/edits`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(edits),
    keepalive,
  });
  return ((await response.json()) as { revision: number }).revision;
}

export async function exportFile(result: number, request: ExportRequest): Promise<ExportedFile> {
  const response = await answer(`/api/results/${result}/export`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
  const count = response.headers.get("X-Gyrovox-Count");
  return {
    bytes: await response.blob(),
    name: attachmentName(response.headers.get("Content-Disposition")) ?? "export",
    count: count === null ? null : Number(count),
  };
}

/** The file name of an attachment; null where the header has none. */
export function attachmentName(disposition: string | null): string | null {
  const encoded = /filename\*=utf-8''([^;]+)/i.exec(disposition ?? "");
  if (encoded) return decodeURIComponent(encoded[1]);
  const plain = /filename="?([^";]+)"?/i.exec(disposition ?? "");
  return plain ? plain[1] : null;
}

async function answer(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...init });
  } catch {
    throw new ServerError(
      "The server does not answer. Is `gyrovox view` still running? Start it again, and open the address that it prints.",
      0,
    );
  }
  if (!response.ok) throw new ServerError(await refusal(response), response.status);
  return response;
}

/** What the server said, or what its status means. */
async function refusal(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error?: unknown };
    if (typeof body.error === "string") return body.error;
  } catch {
    // No JSON: what follows says what is known.
  }
  if (response.status === 403) {
    return "This page has lost its permission. Open the address that `gyrovox view` printed.";
  }
  return `The server answered ${response.status} ${response.statusText}.`;
}
