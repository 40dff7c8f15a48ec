using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Errors;

namespace Pipeline.Contracts.Definitions;

/// <summary>The rules of an options record, for those who are handed one that no definition is behind.</summary>
public static class OptionRules
{
    /// <summary>What is wrong with options; nothing that a rule about written keys would say.</summary>
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
