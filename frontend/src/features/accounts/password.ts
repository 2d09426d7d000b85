const SHORTEST = 8;

/** What is wrong with a new password, or null; the gateway has the last word. */
export function passwordProblem(password: string): string | null {
  return password.length < SHORTEST ? `At least ${SHORTEST} characters, please.` : null;
}
