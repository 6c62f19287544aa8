/** The few signs the console draws; all decorative, the words beside them carry the meaning. */
import type { ReactNode } from 'react';

function Sign({ children, size = 16 }: { children: ReactNode; size?: number }) {
  return (
    <svg
      aria-hidden="true"
      className="cv-sign"
      fill="none"
      height={size}
      stroke="currentColor"
      strokeLinecap="round"
      strokeLinejoin="round"
      strokeWidth={1.8}
      viewBox="0 0 24 24"
      width={size}
    >
      {children}
    </svg>
  );
}

export function MarkSign() {
  return (
    <Sign size={22}>
      <path d="M2 12h6M8 6v12l8-6zM17.5 6v12M17.5 12H22" />
    </Sign>
  );
}

export function SearchSign() {
  return (
    <Sign>
      <circle cx="10.5" cy="10.5" r="6.5" />
      <path d="m20 20-4.8-4.8" />
    </Sign>
  );
}

export function SunSign() {
  return (
    <Sign>
      <circle cx="12" cy="12" r="4" />
      <path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21" />
      <path d="M5.6 5.6l1 1M17.4 17.4l1 1M18.4 5.6l-1 1M6.6 17.4l-1 1" />
    </Sign>
  );
}

export function MoonSign() {
  return (
    <Sign>
      <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z" />
    </Sign>
  );
}

export function LeaveSign() {
  return (
    <Sign>
      <path d="M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M10 8l-4 4 4 4M6 12h9" />
    </Sign>
  );
}

export function DoneSign() {
  return (
    <Sign size={14}>
      <path d="m5 12.5 4.5 4.5L19 7.5" />
    </Sign>
  );
}

export function TakenBackSign() {
  return (
    <Sign size={14}>
      <path d="M9 7 4 12l5 5M4 12h11a5 5 0 0 1 5 5" />
    </Sign>
  );
}
