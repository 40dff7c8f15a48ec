namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>The weight that the user gave an objective, as a function of the step alone.</summary>
/// <param name="weight">The weight at the beginning.</param>
/// <param name="options">How it changes; null where it does not.</param>
internal sealed class WeightSchedule(double weight, WeightScheduleOptions? options)
{
    /// <summary>The weight at a step, counted from 0.</summary>
    public double At(long step)
    {
        if (options is null)
            return weight;
        double progress = options.End <= options.Begin
            ? (step >= options.End ? 1 : 0)
            : Math.Clamp((step - options.Begin) / (double)(options.End - options.Begin), 0, 1);
        return weight * Decay.Of(options.Kind, progress, options.Fraction);
    }
}
