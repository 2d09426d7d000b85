import type { components } from "./openapi.gen";

type Schemas = components["schemas"];

export type Plugin = Schemas["PluginItem"];
export type Action = Schemas["Action"];
export type Confirm = Schemas["Confirm"];
export type Field = Schemas["FieldSpec"];
export type FormField = Schemas["FormField"];
export type NavigationItem = Schemas["NavigationItem"];
export type Page = Schemas["Page"];
export type PageAnswer = Schemas["PageAnswer"];
export type Component = Schemas["Component"];
export type Run = Schemas["Run"];
export type RunLog = Schemas["RunLog"];
export type User = Schemas["User"];
export type ApiKey = Schemas["ApiKey"];
export type Level = User["level"];
export type Json = Schemas["JsonValue"];
export type { Schemas };
