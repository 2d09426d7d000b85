/** The key of something that has no id of its own, whose ids may repeat, and that keeps its place. */
export const placeKey = (place: number, id: string | number = ""): string => `${place}:${id}`;
