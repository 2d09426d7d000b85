import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { Notice } from "./Notice";

interface Props {
  type: string;
  children: ReactNode;
}

/** A component that breaks is a notice in its own place. */
export class Boundary extends Component<Props, { error: unknown }> {
  override state = { error: undefined as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error: error ?? new Error("unknown") };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <>
        <Notice
          title={`This ${this.props.type} could not be drawn`}
          errors={[error instanceof Error ? error.message : String(error)]}
        />
        <Button mt="xs" size="xs" variant="default" onClick={() => this.setState({ error: undefined })}>
          Try again
        </Button>
      </>
    );
  }
}
