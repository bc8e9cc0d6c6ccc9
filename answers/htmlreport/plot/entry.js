// The parts of Observable Plot that the report draws with.
export {plot, areaY, axisX, barX, dot, dotX, lineY, rectY, ruleX, ruleY, tip, pointer} from "@observablehq/plot";
