declare module "virtual:tabler/eager" {
  const icons: Record<string, [string, Record<string, string>][]>;
  export default icons;
}
declare module "virtual:tabler/buckets" {
  const buckets: (() => Promise<{ default: Record<string, [string, Record<string, string>][]> }>)[];
  export default buckets;
}
