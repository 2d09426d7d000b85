import { ApiError, toApiError } from "./problem";
import { session } from "./session";

/** POST a form with files; `fetch` cannot tell how far an upload is, XMLHttpRequest can. */
export async function upload<T>(
  path: string,
  form: FormData,
  onProgress?: (share: number) => void,
  signal?: AbortSignal,
): Promise<T> {
  const token = await session.accessToken();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress?.(event.loaded / event.total);
    };
    request.onload = () => {
      let body: unknown;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        body = undefined;
      }
      const ok = request.status >= 200 && request.status < 300;
      if (ok) resolve(body as T);
      else reject(toApiError(new Response(null, { status: request.status || 500 }), body));
    };
    request.onerror = () => reject(new ApiError(0, "The upload was cut off. Is Plugarr running?"));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** GET a file and hand it to the browser as a download; a plain link carries no token. */
export function saveAs(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
