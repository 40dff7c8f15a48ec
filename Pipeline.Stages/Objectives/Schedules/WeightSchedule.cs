namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>An objective's own weight as a function of the step alone.</summary>
internal sealed class WeightSchedule(double weight, WeightScheduleOptions? options)
{
    public double At(long step)
    {
        if (options is null)
            return weight;
        double way = options.End <= options.Begin
            ? (step >= options.End ? 1 : 0)
            : Math.Clamp((step - options.Begin) / (double)(options.End - options.Begin), 0, 1);
        return weight * Decay.Of(options.Kind, way, options.Fraction);
    }
}
