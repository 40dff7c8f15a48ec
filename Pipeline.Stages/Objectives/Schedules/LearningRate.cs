namespace Pipeline.Stages.Objectives.Schedules;

/// <summary>The learning rate as a function of the step alone, so that a resumed run continues as if it had never stopped.</summary>
internal static class LearningRate
{
    /// <summary>The learning rate at a step.</summary>
    /// <param name="options">The definition's keys.</param>
    /// <param name="step">The step, counted from 0. With a warm-up, the rate at step 0 is 0.</param>
    /// <param name="steps">The number of steps in the whole run, with the first phase and the warm-up.</param>
    public static double At(LearningRateOptions options, long step, long steps)
    {
        if (step < options.PrefixSteps)
            return options.PrefixRate * step / options.PrefixSteps;
        long at = step - options.PrefixSteps;
        if (at < options.WarmupSteps)
            return options.Rate * at / options.WarmupSteps;
        long decaySteps = steps - options.PrefixSteps - options.WarmupSteps;
        double progress = decaySteps <= 0 ? 1 : Math.Min(1, (at - options.WarmupSteps) / (double)decaySteps);
        return options.Rate * Decay.Of(options.Kind, progress, options.EndFraction);
    }
}
