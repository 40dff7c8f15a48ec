using System.Runtime.CompilerServices;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Tests;

/// <summary>In every test of this assembly, an error of a definition that a stage throws once its flow has begun is a defect.</summary>
internal static class LateErrors
{
    [ModuleInitializer]
    public static void AreDefects() => AppContext.SetSwitch(LateDefinitionError.IsDefect, true);
}
