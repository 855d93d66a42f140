export { feedbackErrors } from "./errors.ts";
export {
  type FeedbackCounts,
  FeedbackIntake,
  type FeedbackIntakeOptions,
  type FeedbackOutcome,
} from "./feedback-intake.ts";
export type { FeedbackItem, FeedbackValue } from "./feedback-item.ts";
export { FEEDBACK_LOG } from "./feedback-memory.ts";
export { type Feedback, type FeedbackFilter, newestFeedback } from "./feedback-reader.ts";
export { Sequencer, type SequencerCounts, type SequencerOptions } from "./sequencer.ts";
