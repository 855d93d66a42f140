import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { daysFromCivil, formatIsoTime, parseIsoTime, utcDayOfYear, utcParts } from "./iso-time.ts";

const FIRST = Date.parse("0000-01-01T00:00:00Z");
const LAST = Date.parse("9999-12-31T23:59:59.999Z");
const anyMs = fc.integer({ min: FIRST, max: LAST });

describe("parseIsoTime", () => {
  it.each([
    ["1970-01-01", 0],
    ["2001-05-01", 988_675_200_000],
    ["2001-05-01T00:15", 988_676_100_000],
    ["2001-05-01 00:15:30", 988_676_130_000],
    ["2001-05-01T00:15:30Z", 988_676_130_000],
    ["2001-05-01T02:15:30+02:00", 988_676_130_000],
    ["2001-04-30 18:45:30-05:30", 988_676_130_000],
    ["2001-05-01T00:15Z", 988_676_100_000],
    ["2001-05-01T00:15:30.5", 988_676_130_500],
    ["2001-05-01T00:15:30.123456Z", 988_676_130_123.456],
    ["2001-05-01T00:15:30.123456789Z", 988_676_130_123.456],
    ["2000-02-29", 951_782_400_000],
    ["1969-12-31T23:59:59.9999995Z", -0.001],
    ["0000-01-01", FIRST],
  ])("reads %s", (text, ms) => {
    expect(parseIsoTime(text)).toBe(ms);
  });

  it.each([
    "",
    "2001",
    "2001-05",
    "2001-5-1",
    "20010501",
    "2001-13-01",
    "2001-00-10",
    "2001-02-29",
    "1900-02-29",
    "2001-04-31",
    "2001-05-00",
    "2001-05-01T",
    "2001-05-01T1",
    "2001-05-01T10",
    "2001-05-01T10:0",
    "2001-05-01T24:00",
    "2001-05-01T10:60",
    "2001-05-01T10:00:60",
    "2001-05-01T10:00:",
    "2001-05-01T10:00:0",
    "2001-05-01T10:00:00.",
    "2001-05-01T10:00:00.1234567890",
    "2001-05-01T10:00:00,5",
    "2001-05-01T10:00:00z",
    "2001-05-01t10:00:00Z",
    "2001-05-01  10:00:00",
    "2001-05-01T10:00:00+0200",
    "2001-05-01T10:00:00+02",
    "2001-05-01T10:00:00+24:00",
    "2001-05-01T10:00:00+02:60",
    "2001-05-01T10:00:00ZZ",
    "2001-05-01Z",
    " 2001-05-01",
    "2001-05-01 ",
    "+02001-05-01",
    "2001/05/01",
    "01.05.2001",
    "２001-05-01",
    "Tue May 01 2001",
    "NaN",
  ])("refuses %j", (text) => {
    expect(parseIsoTime(text)).toBeNaN();
  });

  it("reads what Date prints, whatever the zone it is shifted to", () => {
    fc.assert(
      fc.property(anyMs, fc.integer({ min: -1439, max: 1439 }), (ms, offsetMinutes) => {
        expect(parseIsoTime(new Date(ms).toISOString())).toBe(ms);
        const shifted = ms + offsetMinutes * 60_000;
        fc.pre(shifted >= FIRST && shifted <= LAST);
        const local = new Date(shifted).toISOString().slice(0, -1);
        const size = Math.abs(offsetMinutes);
        const zone = `${String(Math.floor(size / 60)).padStart(2, "0")}:${String(size % 60).padStart(2, "0")}`;
        expect(parseIsoTime(`${local}${offsetMinutes < 0 ? "-" : "+"}${zone}`)).toBe(ms);
      }),
    );
  });

  it("never throws and never guesses", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(parseIsoTime(text)).toBeNaN();
      }),
    );
  });

  it("gives microseconds the double nearest to them, as a column of microseconds divided by 1000 does", () => {
    fc.assert(
      fc.property(fc.integer({ min: -6_000_000_000_000_000, max: 6_000_000_000_000_000 }), (micros) => {
        expect(parseIsoTime(formatIsoTime(micros / 1000))).toBe(micros / 1000);
      }),
    );
  });
});

describe("formatIsoTime", () => {
  it("prints as Date does, with six digits only when there are microseconds", () => {
    expect(formatIsoTime(988_676_130_123.456)).toBe("2001-05-01T00:15:30.123456Z");
    expect(formatIsoTime(-0.001)).toBe("1969-12-31T23:59:59.999999Z");
    fc.assert(
      fc.property(anyMs, (ms) => {
        expect(formatIsoTime(ms)).toBe(new Date(ms).toISOString());
      }),
    );
  });

  it("refuses what four digits of a year cannot say", () => {
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, FIRST - 1, LAST + 1, 1e20]) {
      expect(() => formatIsoTime(ms)).toThrow(expect.objectContaining({ code: "KERNEL_BAD_TIME" }));
    }
  });
});

describe("utcParts", () => {
  it("agrees with Date on every part, over Date's whole range", () => {
    const wide = fc.double({ noNaN: true, min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 });
    fc.assert(
      fc.property(fc.oneof(wide, anyMs), (ms) => {
        const date = new Date(Math.floor(ms));
        fc.pre(!Number.isNaN(date.getTime()));
        expect(utcParts(ms)).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
          hour: date.getUTCHours(),
          minute: date.getUTCMinutes(),
          weekday: date.getUTCDay() || 7,
          dayOfYear: utcDayOfYear(ms),
        });
      }),
    );
  });

  it("knows leap years by the day of the year", () => {
    expect(utcDayOfYear(Date.UTC(2000, 11, 31))).toBe(366);
    expect(utcDayOfYear(Date.UTC(1900, 11, 31))).toBe(365);
    expect(utcDayOfYear(Date.UTC(2024, 1, 29))).toBe(60);
    expect(utcDayOfYear(Date.UTC(2023, 0, 1))).toBe(1);
  });

  it("is NaN throughout for what is not a time", () => {
    for (const ms of [Number.NaN, Number.NEGATIVE_INFINITY, 8.64e15 + 1]) {
      expect(Object.values(utcParts(ms)).every(Number.isNaN)).toBe(true);
    }
  });
});

describe("daysFromCivil", () => {
  it("counts days as Date does", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 9999 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 28 }),
        (year, month, day) => {
          expect(daysFromCivil(year, month, day) * 86_400_000).toBe(Date.UTC(year, month - 1, day));
        },
      ),
    );
  });
});
