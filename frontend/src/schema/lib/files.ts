import { upload } from "@/shared/api/upload";

/** The value of a file field: what the plugin opens with `plugarr.open_file(id)`. */
export interface StoredFile {
  name: string;
  size: number;
  type: string;
  id: string;
}

export async function storeFile(
  file: File,
  pluginKey: string | undefined,
  onProgress?: (share: number) => void,
): Promise<StoredFile> {
  const form = new FormData();
  form.append("file", file, file.name);
  if (pluginKey) form.append("plugin", pluginKey);
  const { name, size, type, id } = await upload<StoredFile>("/api/files/", form, onProgress);
  return { name, size, type, id };
}
