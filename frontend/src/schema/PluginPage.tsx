export interface PluginPageProps {
  pluginKey: string;
  /** Id of one of the plugin's pages; without it the page that it opens with. */
  page?: string;
}

/** A plugin's own page, drawn from its schema. */
export function PluginPage({ pluginKey, page }: PluginPageProps) {
  return (
    <p>
      {pluginKey} {page}
    </p>
  );
}
