using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Definitions;

/// <summary>The rules of an options record, for callers whose record does not come from a definition.</summary>
public static class OptionRules
{
    /// <summary>What is wrong with options, apart from rules about which keys were written.</summary>
    public static IEnumerable<string> Faults(IValidatableObject options)
        => options.Validate(new ValidationContext(options)).Select(r => r.ErrorMessage ?? "");

    /// <exception cref="DefinitionException">Rules are broken; all of them are named.</exception>
    public static void Require(IValidatableObject options, string what)
    {
        string faults = string.Join("; ", Faults(options));
        if (faults.Length > 0)
            throw new DefinitionException($"{what}: {faults}");
    }
}
