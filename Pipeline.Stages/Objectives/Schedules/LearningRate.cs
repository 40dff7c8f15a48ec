namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>Learning rate of a step: a pure function, so that a resumed run goes on as if undisturbed.</summary>
internal static class LearningRate
{
    /// <param name="options">The definition's keys.</param>
    /// <param name="step">Counted from 0: with a warm-up the rate of step 0 is 0.</param>
    /// <param name="steps">Steps of the whole run, first phase and warm-up included.</param>
    public static double At(LearningRateOptions options, long step, long steps)
    {
        if (step < options.PrefixSteps)
            return options.PrefixRate * step / options.PrefixSteps;
        long at = step - options.PrefixSteps;
        if (at < options.WarmupSteps)
            return options.Rate * at / options.WarmupSteps;
        long decaySteps = steps - options.PrefixSteps - options.WarmupSteps;
        double way = decaySteps <= 0 ? 1 : Math.Min(1, (at - options.WarmupSteps) / (double)decaySteps);
        return options.Rate * Decay.Of(options.Kind, way, options.EndFraction);
    }
}
