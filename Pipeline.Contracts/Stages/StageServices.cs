namespace Pipeline.Contracts.Stages;

public static class StageServices
{
    /// <summary>A service of the run: the device, models, tokenizers.</summary>
    /// <exception cref="InvalidOperationException">The host does not provide it: a defect of ours.</exception>
    public static T Service<T>(this StageContext context) where T : class
        => (T?)context.Services.GetService(typeof(T))
            ?? throw new InvalidOperationException($"stage '{context.StageName}' needs a {typeof(T).Name}, which the host does not provide");
}
