using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using Pipeline.Host.Tests.Architecture;
using Pipeline.Stages;

namespace Pipeline.Host.Tests;

/// <summary>Public in Pipeline.Stages is what the host names, and what the signatures of that hold; the rest is internal.</summary>
public partial class PublicSurfaceTests
{
    [Fact]
    public void Nothing_is_public_for_nobody()
    {
        Type[] exported = typeof(StageTable).Assembly.GetExportedTypes();
        HashSet<string> named = Named();
        var used = new HashSet<Type>();
        var open = new Stack<Type>(exported.Where(t => named.Contains(t.FullName!) || IsInSource(t)));
        while (open.TryPop(out Type? type))
        {
            if (!used.Add(type))
                continue;
            foreach (Type next in Signatures(type).SelectMany(Parts).Where(t => t.Assembly == type.Assembly))
                open.Push(next);
        }
        Assert.True(used.Count > 50, "the host names stages");
        string[] nobodys = [.. exported.Where(t => !used.Contains(t)).Select(t => t.FullName!).Order()];
        Assert.True(nobodys.Length == 0, $"public, and nobody outside of Pipeline.Stages uses it; make it internal:\n{string.Join("\n", nobodys)}");
    }

    private static HashSet<string> Named()
    {
        using var file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, "alm.dll")));
        MetadataReader reader = file.GetMetadataReader();
        return [.. reader.TypeReferences.Select(reader.GetTypeReference).Select(t => $"{reader.GetString(t.Namespace)}.{reader.GetString(t.Name)}")];
    }

    // Constants leave no trace in an assembly.
    private static bool IsInSource(Type type) => HostWords.Value.Contains(type.Name);

    private static Lazy<HashSet<string>> HostWords { get; } = new(() => [.. SourceUses.Files("Pipeline.Host").SelectMany(f => Words().Matches(f.Text)).Select(m => m.Groups[1].Value)]);

    private static IEnumerable<Type> Signatures(Type type)
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        IEnumerable<MethodBase> methods = type.GetMethods(all).Cast<MethodBase>().Concat(type.GetConstructors(all)).Where(m => m.IsPublic || m.IsFamily);
        return [
            .. type.GetInterfaces(), .. type.BaseType is { } parent ? [parent] : Array.Empty<Type>(), .. type.DeclaringType is { } outer ? [outer] : Array.Empty<Type>(),
            .. type.GetNestedTypes(), .. type.GetFields(all).Where(f => f.IsPublic || f.IsFamily).Select(f => f.FieldType),
            .. methods.SelectMany(m => m.GetParameters().Select(p => p.ParameterType)), .. methods.OfType<MethodInfo>().Select(m => m.ReturnType),
        ];
    }

    private static IEnumerable<Type> Parts(Type type)
        => type.HasElementType ? Parts(type.GetElementType()!)
            : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition())
            : type.IsGenericParameter ? [] : [type];

    [GeneratedRegex(@"\b([A-Z]\w*)\.")]
    private static partial Regex Words();
}
