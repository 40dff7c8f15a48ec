namespace Pipeline.Stages.Models;

/// <summary>Reads the settings of rotary position embeddings: <c>rope_theta</c> with <c>rope_scaling</c>, or <c>rope_parameters</c> (transformers 5).</summary>
internal static class RopeReader
{
    private static readonly IReadOnlySet<string> None = new HashSet<string>();

    /// <summary>The rotation on full and on sliding layers. What is wrong is added to the errors of <paramref name="text"/>.</summary>
    /// <param name="text">The text model's config.</param>
    /// <param name="family">Its family.</param>
    /// <param name="dimensions">How many dimensions of each head are rotated.</param>
    public static (RopeSettings Full, RopeSettings Sliding) Read(ConfigObject text, ModelFamily family, int dimensions)
    {
        double theta = text.Number("rope_theta") ?? family.Defaults.RopeTheta;
        double localTheta = family.LocalRope ? text.Number("rope_local_base_freq") ?? 10_000 : theta;
        int maxPositions = text.Count("max_position_embeddings") ?? family.Defaults.MaxPositions;
        // Of the kinds of scaling, only LongRoPE uses original_max_position_embeddings from here. It is read in any case, because configs without
        // scaling have it too, and a key that nobody reads is refused.
        Context context = new(dimensions, maxPositions, text.Count("original_max_position_embeddings"));
        ConfigObject? scaling = text.Object("rope_scaling"), parameters = text.Object("rope_parameters");
        if (scaling is not null && parameters is not null)
            text.Error("rope_scaling", "and rope_parameters are both given; keep one");
        if (parameters is not null && (parameters.Has("full_attention") || parameters.Has("sliding_attention")))
        {
            RopeSettings full = Read(parameters.Object("full_attention"), theta, context);
            RopeSettings sliding = Read(parameters.Object("sliding_attention"), localTheta, context);
            Finish(parameters);
            if (!family.LocalRope && full != sliding)
                parameters.Error("sliding_attention", "differs from full_attention, which this family does not support");
            return (full, family.LocalRope ? sliding : full);
        }

        RopeSettings one = Read(scaling ?? parameters, theta, context);
        return (one, family.LocalRope ? new RopeSettings(localTheta) : one);
    }

    private static RopeSettings Read(ConfigObject? from, double theta, Context context)
    {
        if (from is null)
            return new RopeSettings(theta);
        string? current = from.Text("rope_type"), old = from.Text("type");
        if (current is not null && old is not null && current != old)
            from.Error("type", $"= '{old}' and rope_type = '{current}' differ");
        theta = from.Number("rope_theta") ?? theta;
        if (from.Number("partial_rotary_factor") is { } part && part != 1)
            from.Error("partial_rotary_factor", $"= {part} is not supported here; only 1 is");
        string type = current ?? old ?? "default";
        // The first configs of Phi 3 have two other names for LongRoPE.
        if (type == "su" || (type == "yarn" && from.Has("short_factor")))
            type = "longrope";
        RopeSettings result = new(theta);
        switch (type)
        {
            case "default":
                break;
            case "linear":
                result = new RopeSettings(theta, RopeScaling.Linear, Needed(from, "factor"));
                break;
            case "llama3":
                result = new RopeSettings(theta, RopeScaling.Llama3, Needed(from, "factor"))
                {
                    LowFrequencyFactor = Needed(from, "low_freq_factor"),
                    HighFrequencyFactor = Needed(from, "high_freq_factor"),
                    OriginalMaxPositions = Needed(from, "original_max_position_embeddings"),
                };
                if (from.Has("high_freq_factor") && from.Has("low_freq_factor") && result.HighFrequencyFactor <= result.LowFrequencyFactor)
                    from.Error("high_freq_factor", $"= {result.HighFrequencyFactor} must be above low_freq_factor = {result.LowFrequencyFactor}");
                break;
            case "yarn":
                result = Yarn(from, theta, context.MaxPositions);
                break;
            case "dynamic":
                result = new RopeSettings(theta, RopeScaling.Dynamic, Needed(from, "factor")) { OriginalMaxPositions = context.MaxPositions };
                break;
            case "longrope":
                result = LongRope(from, theta, context);
                break;
            default:
                from.Error(current is null ? "type" : "rope_type", $"= '{type}' is not supported; supported: default, linear, llama3, yarn, dynamic, longrope");
                return result;
        }

        Finish(from);
        return result;
    }

    private static RopeSettings Yarn(ConfigObject from, double theta, int maxPositions)
    {
        double factor = Needed(from, "factor");
        double? original = from.Number("original_max_position_embeddings");
        // Some versions of transformers use the factor, others the quotient of the two numbers of positions. The result is only certain if they agree.
        if (original is not null && Math.Abs(factor * original.Value - maxPositions) > 1e-6 * maxPositions)
            from.Error("factor", $"= {factor}, but max_position_embeddings {maxPositions} is {maxPositions / original.Value} times original_max_position_embeddings {original}; write the number of positions wanted into max_position_embeddings and the quotient into factor");
        double? mscale = from.Number("mscale", positive: false), mscaleAll = from.Number("mscale_all_dim", positive: false);
        double Scale(double by) => factor <= 1 ? 1 : 0.1 * by * Math.Log(factor) + 1;
        double byDefault = mscale is > 0 && mscaleAll is > 0 ? Scale(mscale.Value) / Scale(mscaleAll.Value) : Scale(1);
        return new RopeSettings(theta, RopeScaling.Yarn, factor)
        {
            OriginalMaxPositions = original ?? maxPositions,
            FastRotations = from.Number("beta_fast") ?? 32,
            SlowRotations = from.Number("beta_slow") ?? 1,
            WholeBounds = from.Flag("truncate") ?? true,
            Magnitude = from.Number("attention_factor") ?? byDefault,
        };
    }

    private static RopeSettings LongRope(ConfigObject from, double theta, Context context)
    {
        IReadOnlyList<double>? close = from.Numbers("short_factor", context.Dimensions / 2), far = from.Numbers("long_factor", context.Dimensions / 2);
        foreach (string key in new[] { "short_factor", "long_factor" })
        {
            if (from.Get(key) is null)
                from.Error(key, "is needed for this rope_type");
        }

        int? original = context.OriginalMaxPositions ?? from.Count("original_max_position_embeddings");
        if (from.Count("original_max_position_embeddings") is { } inner && inner != original)
            from.Error("original_max_position_embeddings", $"= {inner}, and {original} next to it");
        double? given = from.Number("factor"), magnitude = from.Number("attention_factor");
        double? byPositions = original is { } positions ? (double)context.MaxPositions / positions : null;
        if (given is not null && byPositions is not null && Math.Abs(given.Value - byPositions.Value) > 1e-6 * byPositions)
            from.Error("factor", $"= {given}, but max_position_embeddings {context.MaxPositions} is {byPositions} times original_max_position_embeddings {original}; delete factor");
        double factor = byPositions ?? given ?? (magnitude is null ? Needed(from, "factor") : 1);
        double within = original ?? context.MaxPositions;
        return new RopeSettings(theta, RopeScaling.LongRope, factor)
        {
            OriginalMaxPositions = within,
            Magnitude = magnitude ?? (factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(within))),
            Factors = close is null || far is null ? null : new RopeFactors(close, far),
        };
    }

    private static double Needed(ConfigObject from, string key)
    {
        if (from.Number(key) is { } value)
            return value;
        from.Error(key, "is needed for this rope_type");
        return 1;
    }

    private static void Finish(ConfigObject from)
    {
        foreach (string key in from.Unread(None))
            from.Error(key, "is not supported");
    }

    /// <summary>What the scaling needs from outside its own object: how many dimensions of a head are rotated, and numbers of positions.</summary>
    private sealed record Context(int Dimensions, int MaxPositions, int? OriginalMaxPositions);
}
