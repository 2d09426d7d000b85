import { useMay } from "@/app/user";
import { Page } from "@/shared/ui/Page";
import { KeysCard } from "./KeysCard";
import { UsersCard } from "./UsersCard";

export default function UsersPage() {
  const admin = useMay("admin");
  return (
    <Page
      title={admin ? "Users & API keys" : "API keys"}
      description={
        admin
          ? "Who may log in and what they may do, and the keys that programs use in their stead."
          : "Keys that programs use in your stead."
      }
    >
      {admin && <UsersCard />}
      <KeysCard admin={admin} />
    </Page>
  );
}
