namespace Pipeline.Stages.Models;

/// <summary>Reads the rotation's settings: <c>rope_theta</c> with <c>rope_scaling</c>, or <c>rope_parameters</c> (transformers 5).</summary>
internal static class RopeReader
{
    private static readonly IReadOnlySet<string> None = new HashSet<string>();

    public static (RopeSettings Full, RopeSettings Sliding) Read(ConfigObject text, ModelFamily family)
    {
        double theta = text.Number("rope_theta") ?? family.Defaults.RopeTheta;
        double localTheta = family.LocalRope ? text.Number("rope_local_base_freq") ?? 10_000 : theta;
        ConfigObject? scaling = text.Object("rope_scaling"), parameters = text.Object("rope_parameters");
        if (scaling is not null && parameters is not null)
            text.Error("rope_scaling", "and rope_parameters are both given; keep one");
        if (parameters is not null && (parameters.Has("full_attention") || parameters.Has("sliding_attention")))
        {
            RopeSettings full = Read(parameters.Object("full_attention"), theta);
            RopeSettings sliding = Read(parameters.Object("sliding_attention"), localTheta);
            Finish(parameters);
            if (!family.LocalRope && full != sliding)
                parameters.Error("sliding_attention", "differs from full_attention, which this family does not do");
            return (full, family.LocalRope ? sliding : full);
        }

        RopeSettings one = Read(scaling ?? parameters, theta);
        return (one, family.LocalRope ? new RopeSettings(localTheta) : one);
    }

    private static RopeSettings Read(ConfigObject? from, double theta)
    {
        if (from is null)
            return new RopeSettings(theta);
        string? current = from.Text("rope_type"), old = from.Text("type");
        if (current is not null && old is not null && current != old)
            from.Error("type", $"= '{old}' and rope_type = '{current}' differ");
        theta = from.Number("rope_theta") ?? theta;
        if (from.Number("partial_rotary_factor") is { } part && part != 1)
            from.Error("partial_rotary_factor", $"= {part} is not supported; only 1 is");
        string type = current ?? old ?? "default";
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
                if (result.HighFrequencyFactor <= result.LowFrequencyFactor)
                    from.Error("high_freq_factor", $"= {result.HighFrequencyFactor} must be above low_freq_factor = {result.LowFrequencyFactor}");
                break;
            default:
                from.Error("rope_type", $"= '{type}' is not supported; supported: default, linear, llama3");
                return result;
        }

        Finish(from);
        return result;
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
}
